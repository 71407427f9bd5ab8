"""How tools print what they find in files. Groups of a rule: path, line, level, message, quotes."""

from domain.linear_regex import compiled

PATH = r"""(?P<path>[^\s:"'`()<>|*\[\]]+\.[A-Za-z]\w{0,9})"""
LEVEL = r"(?P<level>(?i:warning|warn|error|critical|severe|fatal|notice|info|note|suggestion))"
PLACE = rf"{PATH}:(?P<line>\d{{1,9}})(?::\d+)?"

HINT = compiled(
    r"""\.[A-Za-z]\w{0,9}(?:$|[\s:"')\]])|^\d+:\d+[ -]|^::\w|^\[(?:ERROR|TIMEOUT|\d{3}|✖)\] |^-> linking |^Cause: """
    r"""|^"line": |page path = |^\[[\d:.]+\] \w+ \("""
)
"""What every line has that a rule finds: most lines of an output are searched for no more than this."""

ONE_LINE = tuple(
    (level, compiled(rule))
    for level, rule in (
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands: many tools print these
        (
            "warning",
            r"^::(?P<level>error|warning|notice) (?:[^:]*,)?file=(?P<path>[^,:]+)(?:,line=(?P<line>\d+))?[^:]*::(?P<message>.+)",  # noqa: E501  # one expression
        ),
        # Sphinx: https://www.sphinx-doc.org/en/master/man/sphinx-build.html
        ("warning", rf"^{PATH}:docstring of (?P<message>(?P<quotes>[\w.]+):\d*: {LEVEL}: .+)"),
        ("warning", rf"^{PATH}::? {LEVEL}: (?P<message>.+)"),
        # as compilers print it: Sphinx, Doxygen, markdownlint, tsc, rstcheck
        ("warning", rf"^{PLACE}:?(?: -)? ?\(?{LEVEL}(?:/\d\))?:? (?P<message>.+)"),
        # linters that name no level: markdownlint, doc8, cspell, codespell, Vale with --output=line, sphinx-lint
        ("warning", rf"^{PLACE}: (?P<message>.+ \([a-z]+(?:-[a-z]+)+\))$"),
        ("warning", rf"^{PLACE}:?(?: -)? ?(?P<message>(?:M?D\d{{3}}\b|Unknown word|\S+ ==> |[A-Z]\w+\.\w+:).*)"),
        ("warning", rf"^asciidoctor: {LEVEL}: {PATH}: line (?P<line>\d+): (?P<message>.+)"),
        ("warning", rf"""^{LEVEL} - (?P<message>Doc file '(?P<path>[^']+)' contains .*?link '(?P<quotes>[^']*)'.*)"""),
        ("warning", rf"""^{LEVEL} - (?P<message>A reference to '(?P<quotes>[^']+)' is included in the 'nav' .+)"""),
        ("failure", rf"""^{LEVEL} - (?P<message>Error (?:reading|building) page '(?P<path>[^']+)'.*)"""),
        ("warning", rf"""^\[{LEVEL}\] (?P<message>.* in source file "(?P<path>[^"]+)" \((?P<line>\d+):\d+\).*)"""),
        ("warning", rf"""^\[{LEVEL}\] (?P<message>.* used in "?{PATH}"? are not defined in .+)"""),
        ("warning", rf"^\(!\) (?P<message>Found dead link (?P<quotes>\S+) in file {PATH})"),
        ("failure", rf"\[plugin [\w:-]+\] {PATH} \((?P<line>\d+):\d+\): (?P<message>.+)"),
        ("warning", rf"""^{LEVEL}\b.*?"{PLACE}": (?P<message>.+)"""),  # Hugo
        ("failure", rf"^Liquid Exception: (?P<message>.*\(line (?P<line>\d+)\): .*) in {PATH}$"),
    )
)  # fmt: skip
"""With the level of a line that names none. One that names no file is about MkDocs' configuration."""

CONFIGURATION = "mkdocs.yml"

FILE = compiled(
    r"""^(?:FILE: )?\[?([^\s:"'`()<>|*\[\]]+\.(?:mdx?|rst|adoc|txt|html?))(?:\]:)?$|ource page path = (\S+?):?$"""
    r"""|MDX compilation failed for file "([^"]+)\""""
)
"""The next lines say what is wrong with this file: Vale, remark, lychee, markdown-link-check, Docusaurus (or page)."""

IN_FILE = tuple(
    (level, compiled(rule))
    for level, rule in (
        ("warning", rf"^(?P<line>\d{{1,9}}):\d+(?:-\d+:\d+)? {LEVEL} (?P<message>.+)"),
        ("error", r"^\[(?:ERROR|TIMEOUT|\d{3})\] (?P<message>(?P<quotes>\S+) (?:\(at (?P<line>\d+):\d+\) )?\| .+)"),
        ("error", r"^\[✖\] (?P<message>(?P<quotes>\S+) → Status: \d+)"),
        ("warning", r"^-> (?P<message>linking to (?P<quotes>\S+)(?: \(resolved as: .*\))?)$"),
        ("error", r"^Cause: (?P<message>.+)"),
    )
)

SAID = compiled(rf"^\[[\d:.]+\] {LEVEL} \(asciidoctor\): (?P<message>\w+ of \w+ not found: (?P<quotes>\S+)|.+)")
"""The next line says where: Antora."""

PLACE_OF = compiled(rf"""^file: {PATH}(?::(?P<line>\d+))?|^"line": (?P<only_line>\d+)""")
