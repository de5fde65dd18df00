"""The few pieces of SVG that the charts are made of."""
from xml.sax.saxutils import escape


def text(x, y, words, anchor="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def page(width, height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
        'fill="#1f2328">', f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *parts, "</svg>"]) + "\n"
