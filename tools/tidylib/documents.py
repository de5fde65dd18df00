"""Documentation that cannot go stale: links, anchors, and code that is a region of a source."""
import posixpath
import re
import textwrap

from .tree import Problem

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
REGION = re.compile(r"^\s*(?://|#)\s*\[/?[\w.-]+\]\s*$")
SNIPPET = re.compile(r"<!-- snippet: ([^\s#]+)(?:#([\w.-]+))? -->")
EXEMPT = re.compile(r"<!-- not compiled: \S.{9,} -->")


def without_code(text):
    """The Markdown with fenced and inline code blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    text = re.sub(r"^```.*?^```", blank, text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", blank, text)


def anchors(text):
    """The #names that GitHub makes of the headings."""
    found, seen = set(), {}
    plain = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#+\s+(.+?)\s*$", plain, flags=re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.add(name if count == 0 else f"{name}-{count}")
    return found


def links(tree):
    for path in tree.matching(".md"):
        for number, line in enumerate(without_code(tree.text(path)).splitlines(), 1):
            for match in LINK.finditer(line):
                target = match[1] or match[2]
                if not re.match(r"[a-z]+:", target):
                    yield from _one_link(tree, path, number, target)


def _one_link(tree, path, number, target):
    file, _, anchor = target.partition("#")
    other = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    if not tree.exists(other):
        yield Problem(path, number, f"the link to {target} leads nowhere",
                      "correct it, or remove the link")
    elif anchor and other.endswith(".md") and anchor not in anchors(tree.text(other)):
        yield Problem(path, number, f"{other} has no heading #{anchor}",
                      "use a heading that is there, in lower case with dashes")


def region(text, name):
    """The lines between `// [name]` and `// [/name]`, without marks; None where it is not."""
    lines = text.splitlines()
    if name:
        marks = [re.sub(r"\s", "", line) for line in lines]
        starts = [i for i, mark in enumerate(marks) if mark in (f"//[{name}]", f"#[{name}]")]
        ends = [i for i, mark in enumerate(marks) if mark in (f"//[/{name}]", f"#[/{name}]")]
        if len(starts) != 1 or len(ends) != 1 or ends[0] < starts[0]:
            return None
        lines = lines[starts[0] + 1:ends[0]]
    lines = [line.rstrip() for line in lines if not REGION.match(line)]
    return textwrap.dedent("\n".join(lines)).strip("\n")


def code_blocks(text):
    """(line of the fence, language, code, the line above the fence) of each fenced block."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        match = re.match(r"```(\w*)", lines[number])
        if match:
            end = number + 1
            while end < len(lines) and not lines[end].startswith("```"):
                end += 1
            above = number - 1
            while above >= 0 and not lines[above].strip():
                above -= 1
            yield (number + 1, match[1], "\n".join(lines[number + 1:end]),
                   lines[above] if above >= 0 else "")
            number = end
        number += 1


def snippets(tree):
    """Each ```cpp block is a region of a compiled file, named in a comment above it."""
    for path in tree.matching(".md"):
        for number, language, code, above in code_blocks(tree.text(path)):
            match = SNIPPET.search(above)
            if match:
                yield from _one_snippet(tree, path, number, code, match)
            elif language == "cpp" and not EXEMPT.search(above):
                yield Problem(path, number, "C++ typed in by hand",
                              "name the compiled region it shows, <!-- snippet: path#region -->, in"
                              " the line above; or say why not, <!-- not compiled: reason -->")


def _one_snippet(tree, path, number, code, match):
    file, name = match[1], match[2]
    if not tree.exists(file):
        yield Problem(path, number, f"the snippet's file {file} does not exist",
                      "correct the path; it begins at the root of the project")
        return
    wanted = region(tree.text(file), name)
    if wanted is None:
        yield Problem(path, number, f"{file} has no region {name}",
                      f"put one `// [{name}]` and one `// [/{name}]` around it")
    elif wanted != code.strip("\n"):
        yield Problem(path, number, f"the snippet differs from {match[0][14:-4]}",
                      "run tools/tidy --write-snippets")


def write_snippets(tree):
    """Copies the regions into the documents; returns the documents that changed."""
    changed = []
    block = re.compile(r"(<!-- snippet: ([^\s#]+)(?:#([\w.-]+))? -->\n+```\w*\n)(.*?)(^```)",
                       re.DOTALL | re.MULTILINE)

    def replaced(match):
        code = region(tree.text(match[2]), match[3]) if tree.exists(match[2]) else None
        return match[0] if code is None else f"{match[1]}{code}\n{match[5]}"

    for path in tree.matching(".md"):
        text = block.sub(replaced, tree.text(path))
        if text != tree.text(path):
            (tree.root / path).write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
