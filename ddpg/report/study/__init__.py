"""The panels of a hyper-parameter study: what the page draws, pictures, and a section of report.md."""
