"""What a job says of the files that Git LFS keeps elsewhere."""

from build_rig import BuildRig

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:48da\nsize 12\n"


async def test_pointers_of_git_lfs_are_said_to_be_some(rig: BuildRig) -> None:
    for number in range(1, 3):
        rig.origin.commit(
            "main", _gitattributes="*.png filter=lfs\n*.md filter=lfs\n", **{f"logo{number}_png": POINTER}
        )
        await rig.run("true")
    said = [line for line in rig.lines if "Git LFS" in line]
    more = "of Git LFS, not the content: a job type gets that with checkout = { lfs = true }"
    assert said == [
        f"Reportback: logo1.png is a pointer {more}",
        f"Reportback: 2 files, such as logo1.png, are pointers {more}",
    ]


async def test_a_file_that_git_lfs_does_not_have_is_no_pointer_to_it(rig: BuildRig) -> None:
    rig.origin.commit("main", _gitattributes="*.png filter=lfs\n", logo_png="the content", spec_md=POINTER)
    await rig.run("true")
    assert not [line for line in rig.lines if "Git LFS" in line]
