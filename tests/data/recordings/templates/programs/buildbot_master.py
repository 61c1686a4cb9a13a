"""The recorded Buildbot's configuration (master.cfg)."""

from __future__ import annotations

import os
from datetime import timedelta

from buildbot.plugins import changes, reporters, schedulers, secrets, steps, util, worker

HOME = os.environ["HOME"]
REPOSITORY = f"file://{HOME}/repository"
shared = util.MasterLock("shared")


def factory(n: int) -> util.BuildFactory:
    """Steps that pass, fail, hang, or ask for what is not there."""
    made = util.BuildFactory([steps.Git(repourl=REPOSITORY, mode=("full", "incremental")[n % 2], timeout=5)])
    made.addStep(
        steps.ShellCommand(command=["sh", "-c", "echo building; sleep 0.2; exit $((RANDOM % 3))"], haltOnFailure=False)
    )
    made.addStep(steps.ShellCommand(command=["none-such-command"], flunkOnFailure=False))
    made.addStep(steps.SetProperty(property="stage", value=util.Interpolate("%(prop:branch)s-%(prop:none)s")))
    if n % 4 == 1:
        made.addStep(steps.ShellCommand(command="sleep 30", timeout=2, locks=[shared.access("exclusive")]))
        made.addStep(steps.FileUpload(workersrc="none.txt", masterdest="/proc/none"))
    if n % 4 == 2:
        made.addStep(steps.Trigger(schedulerNames=["after"], waitForFinish=True))
        made.addStep(steps.MasterShellCommand(command="exit 3"))
    if n % 4 == 3:
        made.addStep(steps.ShellCommand(command=util.Interpolate("echo %(secret:password)s"), maxTime=1))
        made.addStep(steps.ShellCommand(command=[util.Property("missing"), object()]))
        made.addStep(steps.Compile(command=["sh", "-c", "echo 'a.c:1: warning: odd'; yes | head -40000"]))
    return made


NAMES = [f"shop-{n}" for n in range(6)]
c = BuildmasterConfig = {
    "workers": [
        worker.Worker(f"w{n}", "secret", max_builds=2, keepalive_interval=3, missing_timeout=2) for n in range(3)
    ],
    "protocols": {"pb": {"port": "tcp:9989:interface=127.0.0.1"}},
    "change_source": [
        changes.GitPoller(REPOSITORY, branches=True, pollInterval=4),
        changes.GitPoller(f"file://{HOME}/none", branch="main", pollInterval=7),
        changes.PBChangeSource(port="tcp:9999:interface=127.0.0.1", user="bob", **{"passwd": "pw"}),
    ],
    "schedulers": [
        schedulers.SingleBranchScheduler(
            "all", change_filter=util.ChangeFilter(branch_re=".*"), treeStableTimer=1, builderNames=NAMES[:3]
        ),
        schedulers.Periodic("often", builderNames=NAMES[2:4], periodicBuildTimer=6),
        schedulers.Nightly("nightly", builderNames=NAMES[4:5], minute="*"),
        schedulers.Triggerable("after", builderNames=NAMES[5:]),
        schedulers.AnyBranchScheduler("any", builderNames=NAMES[:1]),
        schedulers.Try_Userpass(
            "try", builderNames=NAMES[:2], port="tcp:8031:interface=127.0.0.1", userpass=[("bob", "pw")]
        ),
    ],
    "builders": [
        util.BuilderConfig(name, workernames=[f"w{n % 3}", f"w{(n + 1) % 3}"], factory=factory(n))
        for n, name in enumerate(NAMES)
    ],
    "services": [
        reporters.MailNotifier(
            "buildbot@shop.test", relayhost="localhost", smtpPort=1, extraRecipients=["bob@shop.test"]
        ),
        reporters.HttpStatusPush("http://localhost:1/push"),
        reporters.HttpStatusPush("http://localhost:9200/status", name="other"),
    ],
    "configurators": [util.JanitorConfigurator(logHorizon=timedelta(weeks=1), hour="*", minute="*")],
    "secretsProviders": [secrets.SecretInAFile(dirname=f"{HOME}/secrets")],
    "metrics": {"log_interval": 6, "periodic_interval": 3},
    "db": {"db_url": "sqlite:///state.sqlite"},
    "buildbotNetUsageData": None,
    "title": "Shop",
    "buildbotURL": "http://localhost:8010/",
    "collapseRequests": True,
}
