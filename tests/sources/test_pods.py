"""A container's log is named by its workload, which stays the same while its pods come and go."""

from __future__ import annotations

import pytest

from logwatch.sources.naming import expand
from logwatch.sources.pods import Container, container_of, workload_of

UID = "0c8b2f1e-55a4-4f3b-9a51-0b8ed3d9a5b1"


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("orders-6d4cf56db6-x7k2p", "orders"),
        ("orders-api-79d8c-z2b9l", "orders-api-79d8c"),
        ("orders-api-5b9c6d8f7-z2b9l", "orders-api"),
        ("kube-proxy-wx4bz", "kube-proxy"),
        ("postgres-0", "postgres"),
        ("postgres-replica-12", "postgres-replica"),
        ("backup-28912345-b5f7k", "backup"),
        ("etcd-node1", "etcd-node1"),
        ("my-nginx", "my-nginx"),
        ("redis", "redis"),
    ],
)
def test_a_pod_is_named_by_its_workload(pod: str, workload: str) -> None:
    assert workload_of(pod) == workload


@pytest.mark.parametrize(
    "path",
    [
        f"/var/log/pods/shop_orders-6d4cf56db6-x7k2p_{UID}/app/0.log",
        f"/var/log/pods/shop_orders-6d4cf56db6-x7k2p_{UID}/app/3.log.20260301-100000.gz",
        f"/host/var/log/pods/shop_orders-6d4cf56db6-x7k2p_{UID}/app/0.log",
        f"/var/log/containers/orders-6d4cf56db6-x7k2p_shop_app-{'ab' * 32}.log",
    ],
)
def test_the_kubelets_paths_name_the_container(path: str) -> None:
    assert container_of(path) == Container("shop", "orders-6d4cf56db6-x7k2p", "app", "orders")
    assert expand("{name}", path) == expand("{host}:{path}", path) == "shop/orders/app"
    assert expand("{pod}", path) == "orders-6d4cf56db6-x7k2p"


def test_other_files_have_no_container() -> None:
    assert expand("{namespace}{workload}{name}", "/var/log/app.log") == "app"
    assert expand("x-{unknown}", "/var/log/app.log") == "x-{unknown}"
