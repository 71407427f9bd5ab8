"""The other fields of a job type (preparation, output, push, limits), and the error for each mistake."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.delivery.target import Target
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile, parse_job_types
from domain.jobs.templates import filled_url
from domain.output.presets import PRESETS
from domain.units import size

BEGIN = 'version = 1\n[jobs.site]\ncommand = ["make"]\n'
"""Three lines; what is said of the job begins on the fourth."""

PUSH = {
    "branch": '"content"',
    "paths": '["docs"]',
    "credential": '"env:PUSH_TOKEN"',
    "author": '"Docs bot <docs@example.com>"',
}


def job(fields: str) -> JobType:
    return parse_job_types(BEGIN + fields, "jobs.toml")["site"]


def refusal(fields: str) -> str:
    with pytest.raises(BadJobsFile) as refused:
        job(fields)
    return str(refused.value)


def push(**changes: str) -> str:
    return "[jobs.site.push]\n" + "\n".join(f"{name} = {value}" for name, value in {**PUSH, **changes}.items())


def test_an_omitted_field_does_nothing() -> None:
    site = job("")
    assert (site.success_codes, site.prepare, site.output, site.output_url, site.push) == ((0,), (), None, None, None)
    assert site.limits.model_dump(exclude_none=True) == {
        "memory": 8 * 1024**3, "processes": 500, "files": 200_000, "total_size": 10 * 1024**3,
    }  # fmt: skip


def test_a_checkout_has_as_much_as_it_says() -> None:
    checkout = job('checkout = {timeout="10m", history="full", lfs=true, submodules=true}').checkout
    assert (checkout.timeout, checkout.history) == (timedelta(minutes=10), "full")
    assert (checkout.lfs, checkout.submodules) == (True, True)
    assert job("checkout = {history=50}").checkout.history == 50


def test_a_preparation_has_its_own_limit_and_cache() -> None:
    (prepare,) = job("""
prepare = [{command=["npm", "ci"], timeout="10m", cache={paths=["node_modules/"], key=["package-lock.json"]}}]
""").prepare
    assert (prepare.command, prepare.timeout) == (("npm", "ci"), timedelta(minutes=10))
    assert prepare.cache is not None
    assert (prepare.cache.paths, prepare.cache.key) == (("node_modules",), ("package-lock.json",))


@pytest.mark.parametrize(
    ("written", "meant"),
    [(1, 1), ("1", 1), ("512K", 512 * 1024), ("64M", 64 * 1024**2), ("2G", 2 * 1024**3), ("1T", 1024**4)],
)
def test_a_size_is_bytes_or_a_text_with_a_unit(written: object, meant: int) -> None:
    assert size(written) == meant


@pytest.mark.parametrize("written", [0, -1, "0", "", "2 G", "2GB", "1.5G", 1.5, True, "99999999T", None])
def test_an_invalid_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r'allowed: bytes, or a text such as "512K", "64M" or "2G"'):
        size(written)


REFUSED = [
    ("success_codes = [256]", "line 4: jobs.site.success_codes.0: has to be at most 255"),
    ("success_codes = []", "line 4: jobs.site.success_codes: must not be empty"),
    ("success_codes = [true]", "line 4: jobs.site.success_codes.0: has to be a whole number"),
    ('output = "/srv/site"', "line 4: jobs.site.output: '/srv/site' must lead into the working copy"),
    ('output = "../site"', "line 4: jobs.site.output: '../site' must lead into the working copy"),
    ('output = "."', "line 4: jobs.site.output: '.' must lead into the working copy"),
    ('output = "a//b"', "line 4: jobs.site.output: 'a//b' must lead into the working copy"),
    ('output = "docs/.git/x"', "line 4: jobs.site.output: 'docs/.git/x' leads into a folder of git's own"),
    ('output = ""', "line 4: jobs.site.output: must not be empty"),
    ('output_url = "docs/{job}"', "line 4: jobs.site.output_url: must be an http or https URL"),
    ('output_url = "ftp://x.org/{job}"', "line 4: jobs.site.output_url: must be an http or https URL"),
    ('output_url = "https://x.org/{pr}"', "line 4: jobs.site.output_url: allowed in braces: job, type, repository"),
    ('output_url = "https://x.org/{job.hex}"', "line 4: jobs.site.output_url: allowed in braces: "),
    ('output_url = "https://x.org/{job!r}"', "line 4: jobs.site.output_url: allowed in braces: "),
    ('output_url = "https://x.org/{}"', "line 4: jobs.site.output_url: allowed in braces: "),
    ('output_url = "https://x.org/{job"', "line 4: jobs.site.output_url: has a brace without its other half"),
    ('output_url = "https://x.org/a b"', "line 4: jobs.site.output_url: must be an http or https URL"),
    ("prepare = [{}]", "line 4: jobs.site.prepare.0.command: is missing"),
    ('prepare = [{command=["a"], timeout="3h"}]', "line 4: jobs.site.prepare.0.timeout: '3h' is out of bounds"),
    ('prepare = [{command=["a"], cash={}}]', "prepare.0.cash: unknown field; allowed: command, timeout, cache"),
    ('prepare = [{command=["a"], cache={paths=["/a"], key=["b"]}}]', "cache.paths.0: '/a' must lead into the working"),
    ('prepare = [{command=["a"], cache={paths=["a"], key=[]}}]', "line 4: jobs.site.prepare.0.cache.key: "),
    ('prepare = [{command=["a"], cache={path=["a"], key=["b"]}}]', "cache.path: unknown field; allowed: paths, key"),
    ('[[jobs.site.prepare]]\ncommand=["a"]\n\n[[jobs.site.prepare]]\ncmd=["b"]', "line 8: jobs.site.prepare.1.cmd: "),
    ('[[jobs.site.prepare]]\ncommand=["a"]\n[jobs.site.prepare.cache]\nkey=3', "line 7: jobs.site.prepare.0.cache.key"),
    ('[jobs.site.limits]\nmemory = "2 GB"', "line 5: jobs.site.limits.memory: '2 GB' is no size; allowed: bytes"),
    ("[jobs.site.limits]\nprocesses = 0", "line 5: jobs.site.limits.processes: "),
    ("[jobs.site.limits]\nfiles = 0", "line 5: jobs.site.limits.files: "),
    ('[jobs.site.limits]\ntotal_size = "10 GB"', "line 5: jobs.site.limits.total_size: '10 GB' is no size"),
    ('[jobs.site.limits]\nfile_work = "3h"', "line 5: jobs.site.limits.file_work: '3h' is out of bounds"),
    ("skip_codes = [256]", "line 4: jobs.site.skip_codes.0: has to be at most 255"),
    ("success_codes = [0, 4]\nskip_codes = [4]", "line 2: jobs.site: skip_codes and success_codes both name 4"),
    ("skip_codes = [0]", "skip_codes and success_codes both name 0"),
    ('paths = ["/docs"]', "line 4: jobs.site.paths.0: '/docs' is no pattern of paths; allowed: such as \"docs/**\""),
    ('paths = ["docs/../x"]', "jobs.site.paths.0: 'docs/../x' is no pattern of paths"),
    ('paths = ["!docs/drafts"]', "line 4: jobs.site.paths: '!docs/drafts' excludes what nothing before it includes"),
    *((push(author=f"'{name} <bot@example.com>'"), "push.author: ") for name in (".", '"."', ".,:;", '"" .')),
    *((push(branch=f'"{name}"'), "push.branch: ") for name in ("HEAD", "0" * 40, "refs/x", "a.lock", "a..b")),
    ("checkout = {depth=1}", "checkout.depth: unknown field; allowed: timeout, history, lfs, submodules"),
    (
        "checkout = {history=0}",
        "line 4: jobs.site.checkout.history: '0' is no history; allowed: \"full\", or the number",
    ),
    ('checkout = {history="all"}', "checkout.history: 'all' is no history; allowed: \"full\""),
    ("checkout = {history=true}", "checkout.history: 'True' is no history"),
    ('checkout = {timeout="3h"}', "checkout.timeout: '3h' is out of bounds"),
    ("checkout = {lfs=1}", "checkout.lfs: "),
    ("checkout = {lfs=true}\n" + push(), "line 2: jobs.site: checkout.lfs and push exclude each other"),
    ("[jobs.site.limits]\ncpu = 2", "limits.cpu: unknown field; allowed: memory, file_size, processes, output, files"),
    ("[jobs.site.limits]\noutput = 2", "line 2: jobs.site: limits.output bounds the folder that output names"),
    (
        'recognise = ["sphnix"]',
        "line 4: jobs.site.recognise.0: 'sphnix' is no recogniser; allowed: sphinx, mkdocs, docus",
    ),
    ("patterns = [{}]", "line 4: jobs.site.patterns.0: needs one of progress, count, error and finding, and not more"),
    (
        'patterns = [{error="a", count="b", as="c"}]',
        "patterns.0: needs one of progress, count, error and finding, and not more",
    ),
    ('patterns = [{eror="a"}]', "patterns.0.eror: unknown field; allowed: progress, count, error, finding, as"),
    ('patterns = [{count="a"}]', 'line 4: jobs.site.patterns.0: a count needs as = "…": what is counted'),
    ('patterns = [{error="a", as="b"}]', "patterns.0: as belongs to a count, or to a progress with {done} and {total}"),
    ('patterns = [{progress="{percent}%", as="b"}]', "patterns.0: as belongs to a count, or to a progress with"),
    (
        'patterns = [{progress="(?P<percent>[0-9]+)%", as="b"}]',
        "patterns.0: as belongs to a count, or to a progress with",
    ),
    (
        'patterns = [{progress="5/10"}]',
        "patterns.0.progress: '5/10' is no progress; allowed in braces: {done} and",
    ),
    (
        'patterns = [{progress="{done}"}]',
        "patterns.0.progress: '{done}' is no progress; allowed in braces: ",
    ),
    (
        'patterns = [{count="{n} pages", as="pages"}]',
        "patterns.0.count: '{n} pages' is no count; allowed in braces: {count}, or nothing",
    ),
    ('patterns = [{error="{count}"}]', "patterns.0.error: '{count}' is no error; allowed in braces: nothing"),
    (
        'patterns = [{error="a(?=b)"}]',
        "patterns.0.error: RE2 cannot use this regular expression: it has no look-around",
    ),
    (
        'patterns = [{error="page * failed"}]',
        r"patterns.0.error: 'page * failed' repeats a blank, of which no line has two: any text is .*?, and a star \*",
    ),
    ('patterns = [{error=""}]', "patterns.0.error: must not be empty"),
    (f'patterns = [{{error="{"a" * 201}"}}]', "patterns.0.error: is too long: at most 200 characters"),
    ('[[jobs.site.patterns]]\ncount = "a"\nas = "b\\nc"', "line 6: jobs.site.patterns.0.as: must be one line without"),
    ("[jobs.site]\npatterns = 1"[12:], "line 4: jobs.site.patterns: has to be a list"),
    (push(branch='"-f"'), "line 5: jobs.site.push.branch: '-f' is no name of a branch; allowed: "),
    (push(branch='"refs/heads/main"'), "line 5: jobs.site.push.branch: 'refs/heads/main' is no name of a branch"),
    (push(paths="[]"), "line 6: jobs.site.push.paths: "),
    (
        push(paths='["*"]', force="true"),
        "push.force: unknown field; allowed: branch, paths, credential, author, message",
    ),
    (push(credential='"ghp_abc"'), "site.push.credential: must be env:VARIABLE, secret:BLOCK or app:CLIENT_ID"),
    (push(author='"Docs bot"'), "line 8: jobs.site.push.author: 'Docs bot' is not an author; allowed: such as"),
    (push(author='"<a@b>"'), "line 8: jobs.site.push.author: '<a@b>' is not an author"),
    (push(message='" "'), "line 9: jobs.site.push.message: must have visible characters"),
    (
        'env = ["PUSH_TOKEN"]\n' + push(),
        "line 4: jobs.site.env: a job never sees PUSH_TOKEN: jobs.site.push.credential names it",
    ),
]


@pytest.mark.parametrize(("fields", "told"), REFUSED)
def test_a_wrong_field_is_named_with_its_line_and_allowed_values(fields: str, told: str) -> None:
    assert told in refusal(fields)


def test_no_job_sees_the_credential_another_one_pushes_with() -> None:
    told = refusal(push() + '\n[jobs.api]\ncommand = ["make"]\nenv = ["LANG", "PUSH_TOKEN"]')
    assert told == "jobs.toml, line 11: jobs.api.env: a job never sees PUSH_TOKEN: jobs.site.push.credential names it"


def test_no_job_sees_the_reporting_credential() -> None:
    text = BEGIN + 'env = ["LANG", "STATUS_TOKEN"]'
    assert parse_job_types(text, "jobs.toml", credentials=["env:OTHER", "secret:status-token"])
    with pytest.raises(BadJobsFile) as refused:
        parse_job_types(text, "jobs.toml", credentials=["env:STATUS_TOKEN"])
    told = "jobs.toml, line 4: jobs.site.env: a job never sees STATUS_TOKEN: REPORTBACK_CREDENTIALS names it"
    assert str(refused.value) == told


def test_a_token_in_the_place_of_a_name_is_not_quoted() -> None:
    token = "ghp_" + "a1B2" * 9
    assert token not in refusal(push(credential=f'"env:{token}"'))


@pytest.mark.parametrize(
    "branch",
    ["a..b", "a b", "/a", "a/", "a//b", "a.lock", "a.lock/b", ".a", "a/.b", "a~1", "a^", "a:b", "@{u}", "a?", "*"],
)
def test_invalid_branch_names_are_refused(branch: str) -> None:
    assert "is no name of a branch" in refusal(push(branch=f'"{branch}"'))


def test_its_own_patterns_go_before_those_of_the_recognisers_it_names() -> None:
    site = job('recognise = ["sphinx", "mkdocs"]\npatterns = [{error="ERR!"}, {count="copied ", as="files"}]')
    patterns = site.line_patterns
    assert (patterns[0].error, patterns[1].what) == ("ERR!", "files")
    assert patterns[2:] == (*PRESETS["sphinx"], *PRESETS["mkdocs"])
    assert job("").line_patterns == ()


@pytest.mark.parametrize("branch", ["main", "docs/content", "release-1.2", "ümlaut", "a@b", "lock"])
def test_valid_branch_names_are_accepted(branch: str) -> None:
    asked = job(push(branch=f'"{branch}"')).push
    assert asked is not None
    assert asked.branch == branch
    assert asked.identity == ("Docs bot", "docs@example.com")


def test_an_output_url_is_filled_for_one_job() -> None:
    target = Target("acme/site", "3f" * 20, "docs/a b")
    url = "https://docs.example.com/{repository}/{sha}/{job}?c={context}&n={name}&o={owner}&t={type}"
    site = job(f'output_url = "{url}"')
    assert site.output_url is not None
    assert filled_url(site.output_url, job=UUID(int=7), job_type="site", target=target) == (
        f"https://docs.example.com/acme/site/{'3f' * 20}/00000000-0000-0000-0000-000000000007"
        "?c=docs/a%20b&n=site&o=acme&t=site"
    )


def test_an_output_url_that_grows_too_long_for_a_status_is_none() -> None:
    target = Target("acme/site", "3f" * 20, "ü" * 255)
    assert filled_url("https://x.org/{context}{context}", job=UUID(int=7), job_type="site", target=target) is None
