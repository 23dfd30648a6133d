"""Reads every account, region and type at once, a bounded number at a time. I/O."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from domicile_audit.cloud.client import Account, Cloud
from domicile_audit.cloud.inventory import COLLECTORS, Collector
from domicile_audit.cloud.reader import FAILURES, NotOfferedError, Reader, UnansweredError
from domicile_audit.holding import Coverage, Holding, Key, Survey, Tagged, Unread
from domicile_audit.resource_policy import Ours

WORKERS = 12
"""Calls at a time. Most wait for an answer; many more would meet the services' rate limits."""

Progress = Callable[[int, int, str], None]
"""Told how many of how many readings are done, and which was the last."""


@dataclass(frozen=True, slots=True)
class _Task:
    account: Account
    region: str
    collector: Collector


def survey(
    cloud: Cloud,
    accounts: Sequence[str],
    own: str,
    ours: Ours,
    *,
    regions: Sequence[str] = (),
    collectors: Sequence[Collector] = COLLECTORS,
    progress: Progress = lambda _done, _total, _label: None,
    workers: int = WORKERS,
) -> Survey:
    """Everything that the accounts hold. `own` is the caller's account; `regions` narrows it, where it is given.

    Nothing that fails ends it: what was not read is told in `unread`, and so is a region of `regions` that no account
    has, which is misspelt and must not pass for one in which nothing is.
    """
    parts: list[Survey] = []
    tasks: list[_Task] = []
    enabled: set[str] = set()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for account, found, lost in pool.map(lambda one: _open(cloud, one, own), accounts):
            enabled.update(found)
            parts.append(Survey(unread=lost))
            if account:
                where = [one for one in found if not regions or one in regions]
                tasks += _tasks(account, where, collectors)
        if enabled:
            parts.append(Survey(unread=tuple(_nowhere(one) for one in regions if one not in enabled)))
        running = {pool.submit(_read, task, ours): task for task in tasks}
        for done, future in enumerate(as_completed(running), start=1):
            task = running[future]
            parts.append(future.result())
            progress(done, len(tasks), f"{task.account.account_id} {task.region} {task.collector.name}")
    return in_order(Survey.all_of(parts))


def in_order(read: Survey) -> Survey:
    """The same survey whatever ended first."""
    return Survey(
        holdings=tuple(sorted(read.holdings, key=lambda one: (one.account, one.region, one.type, one.arn))),
        keys=tuple(sorted(read.keys, key=lambda one: one.arn)),
        tagged=tuple(sorted(read.tagged, key=lambda one: (one.account, one.region, one.arn))),
        coverage=tuple(sorted(read.coverage, key=lambda one: (one.account, one.region, one.collector))),
        unread=tuple(
            sorted(
                read.unread, key=lambda one: (one.account, one.region, one.service, one.operation, str(one.resource))
            )
        ),
        not_offered=tuple(sorted(set(read.not_offered))),
    )


def _open(cloud: Cloud, account_id: str, own: str) -> tuple[Account | None, tuple[str, ...], tuple[Unread, ...]]:
    """The account and the regions that it has, or what cannot be read because it cannot be entered."""
    try:
        account = cloud.account(account_id, own)
        return account, account.regions(), ()
    except FAILURES as error:
        lost = Unread(
            account=account_id,
            region="*",
            service="sts, ec2",
            operation="assume_role, describe_regions",
            resource=None,
            reason=f"{type(error).__name__}: {error}",
        )
        return None, (), (lost,)


def _tasks(account: Account, regions: Sequence[str], collectors: Iterable[Collector]) -> list[_Task]:
    return [
        _Task(account, region, one) for one in collectors for region in (regions if one.regional else (account.home,))
    ]


def _nowhere(region: str) -> Unread:
    return Unread(
        account="*",
        region=region,
        service="ec2",
        operation="describe_regions",
        resource=None,
        reason="no account that was read has a region of this name enabled",
    )


def _read(task: _Task, ours: Ours) -> Survey:
    reader = Reader(task.account, task.region, ours)
    holdings: list[Holding] = []
    keys: list[Key] = []
    tagged: list[Tagged] = []
    lost: list[Unread] = []
    absent: tuple[str, ...] = ()
    try:
        for one in task.collector.read(reader):
            match one:
                case Holding():
                    holdings.append(one)
                case Key():
                    keys.append(one)
                case Tagged():
                    tagged.append(one)
    except UnansweredError as error:
        lost.append(error.unread)
    except NotOfferedError as error:
        absent = (str(error),)
    except Exception as error:  # an answer in a form that nobody foresaw must not pass for an empty one
        reason = f"the answer could not be understood: {type(error).__name__}: {error}"
        lost.append(
            Unread(
                account=reader.account,
                region=reader.region,
                service=task.collector.name,
                operation="read",
                resource=None,
                reason=reason,
            )
        )
    finally:
        reader.close()
    told = Coverage(
        account=reader.account,
        region=reader.region,
        collector=task.collector.name,
        holdings=len(holdings),
        calls=reader.calls,
    )
    return Survey(
        holdings=tuple(holdings),
        keys=tuple(keys),
        tagged=tuple(tagged),
        coverage=(told,),
        unread=(*lost, *reader.unread),
        not_offered=absent,
    )
