"""Makes the kiosk's one embedded font from Debian's Noto Sans CJK: subset.py SOURCE.ttc OUT.otf

The device has no font packages, and a name that cannot be drawn is a person who is not greeted. So the subset is
chosen by character sets rather than by the texts of the screens: whatever a Japanese registry can send in JIS X 0213
or in Windows' CP932, with the variants that a variation selector picks.
"""

import sys

from fontTools import subset

FAMILY = "Genkan Sans JP"  # a name of its own: an installed Noto can never stand in for a font that was not embedded
FACE_JP = 0  # the Japanese face of the collection
CODECS = ("cp932", "euc_jis_2004", "euc_jisx0213")  # CP932 has the IBM kanji of names such as U+9AD9 and U+FA11
BESIDES = {0x20BB7}  # the "earth above" yoshi of Yoshida, in none of the above
PROBES = "玄関髙﨑德辻邉𠮷Aあア"  # must be drawable, or the source was another font
SELECTORS = set(range(0xFE00, 0xFE10)) | set(range(0xE0100, 0xE01F0))


def encoded(codec):
    """Every character that one, two or three bytes of `codec` stand for."""
    lead, trail = range(0x80, 0x100), range(0x40, 0x100)
    candidates = [bytes([a]) for a in range(0x100)]
    candidates += [bytes([a, b]) for a in lead for b in trail]
    if codec.startswith("euc"):  # 0x8F opens the second plane
        candidates += [bytes([0x8F, a, b]) for a in range(0xA1, 0xFF) for b in range(0xA1, 0xFF)]
    for raw in candidates:
        try:
            yield from map(ord, raw.decode(codec))
        except UnicodeDecodeError:
            continue


def wanted():
    characters = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | BESIDES | SELECTORS
    for codec in CODECS:
        characters.update(encoded(codec))
    return {c for c in characters if c >= 0x20 and not 0xE000 <= c < 0xF900}  # no control, no private use


def rename(font):
    """Names the result for what it is; the copyright and licence entries stay."""
    table = font["name"]
    for record in list(table.names):
        if record.nameID in (1, 16):
            table.setName(FAMILY, record.nameID, record.platformID, record.platEncID, record.langID)
        elif record.nameID == 4:
            table.setName(f"{FAMILY} Regular", 4, record.platformID, record.platEncID, record.langID)
        elif record.nameID in (3, 6):
            table.setName("GenkanSansJP-Regular", record.nameID, record.platformID, record.platEncID, record.langID)
    font["CFF "].cff.fontNames[0] = "GenkanSansJP-Regular"


def main(source, out):
    options = subset.Options()
    options.font_number = FACE_JP
    options.layout_features = ["kern", "vert", "palt"]  # all features would triple the size
    options.hinting = False  # the software renderer does not hint
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 16, 17]
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    rename(font)
    drawn = font.getBestCmap()
    missing = [character for character in PROBES if ord(character) not in drawn]
    if missing:
        sys.exit(f"{source} has no glyph for {' '.join(missing)}: is it Noto Sans CJK?")
    subset.save_font(font, out, options)
    print(f"{len(drawn)} characters, {font['maxp'].numGlyphs} glyphs")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
