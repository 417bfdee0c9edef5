"""Checks a composed config: the top level (`settings`) and the signatures that its nodes name (`signature`)."""
