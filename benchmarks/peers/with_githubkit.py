"""Creates statuses with githubkit and its retries: run with an environment of its own. It has no pace."""

import asyncio

from githubkit import GitHub

from benchmarks.peers.check_call_mark import SHA, Reports, reports


async def main(asked: Reports) -> None:
    """Report with one client."""
    async with GitHub("token", base_url=asked.url) as github:

        async def share() -> None:
            for context in asked.left:
                with asked.marking(context):
                    await github.rest.repos.async_create_commit_status(
                        "acme", "site", SHA, state="success", context=context, description="41 pages"
                    )

        await asyncio.gather(*(share() for _ in range(asked.at_once)))
        asked.end()


if __name__ == "__main__":
    asyncio.run(main(reports()))
