"""Creates statuses with PyGithub, its retries and, if asked, its pace: run with an environment of its own."""

from concurrent.futures import ThreadPoolExecutor

from github import Auth, Github

from benchmarks.peers.check_call_mark import SHA, Reports, reports


def main(asked: Reports) -> None:
    """Report with as many clients as there are threads: one client is not made for several."""

    def share(_: int) -> None:
        pace = {} if asked.is_paced else {"seconds_between_requests": None, "seconds_between_writes": None}
        client = Github(auth=Auth.Token("token"), base_url=asked.url, lazy=True, **pace)
        commit = client.get_repo("acme/site").get_commit(SHA)
        for context in asked.left:
            with asked.marking(context):
                commit.create_status("success", context=context, description="41 pages")

    with ThreadPoolExecutor(asked.at_once) as threads:
        list(threads.map(share, range(asked.at_once)))
    asked.end()


if __name__ == "__main__":
    main(reports())
