"""What the kubelet's paths say of a container's log: namespace, pod, container and workload."""

from __future__ import annotations

import re
from typing import NamedTuple

_POD = re.compile(r"/pods/(?P<namespace>[^/_]+)_(?P<pod>[^/_]+)_[^/_]+/(?P<container>[^/]+)/[^/]+$")
_LINK = re.compile(r"/containers/(?P<pod>[^/_]+)_(?P<namespace>[^/_]+)_(?P<container>[^/_]+)-[0-9a-f]{64}\.log[^/]*$")
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes draws its suffixes from (`apimachinery/pkg/util/rand`): no vowels, so that they are no words."""

_SUFFIX = re.compile(
    rf"-(?:\d{{8}}|{_RANDOM}{{6,10}})-{_RANDOM}{{5}}$"  # of a CronJob's job, or a Deployment's ReplicaSet
    rf"|-{_RANDOM}{{5}}$"  # of a DaemonSet or a Job
    r"|-\d{1,5}$"  # the ordinal in a StatefulSet
)


class Container(NamedTuple):
    """A container; `workload` is what stays the same when its pods are replaced."""

    namespace: str
    pod: str
    container: str
    workload: str


def container_of(path: str) -> Container | None:
    """The container whose log lies at a path below `/var/log/pods` or `/var/log/containers`; None elsewhere."""
    found = _POD.search(path) or _LINK.search(path)
    if found is None:
        return None
    pod = found["pod"]
    return Container(found["namespace"], pod, found["container"], workload_of(pod))


def workload_of(pod: str) -> str:
    """A pod's name without what Kubernetes added to its workload's."""
    return _SUFFIX.sub("", pod) or pod
