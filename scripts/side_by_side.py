"""Independent work in threads."""

from concurrent.futures import ThreadPoolExecutor

from .processes import stop_everything


def side_by_side(*calls):
    """Run callables at once and return their results in order.

    Where one of them fails, or a signal arrives, the children of the others are ended too:
    nobody waits for minutes to be told.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop_everything()
            raise
