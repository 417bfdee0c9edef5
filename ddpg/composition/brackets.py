"""Brackets and quotes of a word: which of them has no partner."""

PARTNERS = {"[": "]", "{": "}", "(": ")"}


def lonely(text: str) -> tuple[str, str]:
    """Return the first bracket or quote without a partner, and the partners that the end of the text lacks.

    Both are empty where all is well. Brackets in quotes are ordinary characters, as is what follows a backslash.
    """
    opened: list[str] = []
    quote = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            next(characters, None)
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in PARTNERS:
            opened.append(character)
        elif character in PARTNERS.values():
            if not opened or PARTNERS[opened[-1]] != character:
                return character, ""
            opened.pop()
    missing = quote + "".join(PARTNERS[bracket] for bracket in reversed(opened))
    return quote or (opened[-1] if opened else ""), missing
