"""German numbers in words, the way they are said on the telephone."""

ONES = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf".split()
TEENS = {16: "sechzehn", 17: "siebzehn"}
TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
MONTHS = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
IRREGULAR = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}


def number(value):
    """0 to 999,999."""
    if value < 13:
        return ONES[value]
    if value < 20:
        return TEENS.get(value, ONES[value - 10] + "zehn")
    if value < 100:
        ten, one = divmod(value, 10)
        return (joined(one) + "und" if one else "") + TENS[ten - 2]
    if value < 1000:
        hundred, rest = divmod(value, 100)
        return joined(hundred) + "hundert" + (number(rest) if rest else "")
    thousand, rest = divmod(value, 1000)
    return joined(thousand) + "tausend" + (number(rest) if rest else "")


def joined(value):
    """Before another part of a number: eins loses its s."""
    return number(value)[:-1] if number(value).endswith("eins") else number(value)


def ordinal(value):
    """1 to 99, as in »am …«."""
    return IRREGULAR.get(value) or number(value) + ("ten" if value < 20 else "sten")


def digits(chance):
    """Three to eight digits, read one by one or in pairs; two is sometimes zwo."""
    said = []
    for _ in range(chance.randint(3, 8)):
        digit = chance.randrange(10)
        said.append("zwo" if digit == 2 and chance.random() < 0.3 else ONES[digit])
    if chance.random() < 0.15:
        said = [number(chance.randint(10, 99)) for _ in range(chance.randint(2, 4))]
    return " ".join(said)


def date(chance):
    day = ordinal(chance.randint(1, 31))
    month = chance.choice(MONTHS) if chance.random() < 0.8 else ordinal(chance.randint(1, 12))
    year = chance.random()
    if year < 0.15:
        return f"{day} {month} zweitausend{number(chance.randint(1, 27))}"
    if year < 0.25:
        return f"{day} {month} neunzehnhundert{number(chance.randint(30, 99))}"
    return f"{day} {month}"


def money(chance):
    euros = joined(chance.randint(1, 400))
    cents = chance.choice(["", "", f" {number(chance.choice([10, 20, 50, 75, 80, 90, 95, 99]))}"])
    return f"{euros} Euro{cents}"


def time_of_day(chance):
    hour = chance.randint(1, 24)
    return chance.choice([
        f"{joined(hour)} Uhr",
        f"{joined(hour)} Uhr {number(chance.randint(2, 59))}",
        f"halb {number(chance.randint(1, 12))}",
        f"Viertel {chance.choice(['nach', 'vor'])} {number(chance.randint(1, 12))}",
        f"{number(chance.choice([5, 10, 20]))} {chance.choice(['nach', 'vor'])} {number(chance.randint(1, 12))}",
    ])
