"""The built-in components: where each one is declared. Modules are imported only when a configuration names them."""

from __future__ import annotations

from collections.abc import Mapping

from logwatch.api import Kind

BUILT_IN: Mapping[tuple[Kind, str], str] = {
    ("source", "file"): "logwatch.sources.file",
    ("source", "stdin"): "logwatch.sources.stdin",
    ("source", "journal"): "logwatch.sources.journal",
    ("source", "kafka"): "logwatch.sources.kafka",
    ("source", "prometheus"): "logwatch.sources.prometheus",
    ("source", "host"): "logwatch.sources.host",
    ("detector", "new"): "logwatch.score.detectors.novelty",
    ("detector", "rare"): "logwatch.score.detectors.rare",
    ("detector", "gap"): "logwatch.score.detectors.gap",
    ("detector", "markov"): "logwatch.score.detectors.markov",
    ("detector", "values"): "logwatch.score.detectors.values",
    ("detector", "lstm"): "logwatch.score.lstm",
    ("detector", "rule"): "logwatch.score.detectors.rule",
    ("sink", "file"): "logwatch.sinks.file",
    ("sink", "stdout"): "logwatch.sinks.stdout",
    ("sink", "kafka"): "logwatch.sinks.kafka",
    ("sink", "alertmanager"): "logwatch.sinks.alertmanager",
    ("sink", "webhook"): "logwatch.sinks.webhook",
    ("sink", "syslog"): "logwatch.sinks.syslog",
    ("sink", "journal"): "logwatch.sinks.journal",
    ("sink", "notify"): "logwatch.sinks.notify",
    ("risk", "cnn"): "logwatch_cnn_risk.plugin",
}
"""(kind, name) → module that declares it."""

CONFIG: Mapping[tuple[Kind, str], str] = {
    ("source", "file"): "logwatch.sources.file_config:FileConfig",
    ("source", "stdin"): "logwatch.sources.stdin_config:StdinConfig",
    ("source", "journal"): "logwatch.sources.journal_config:JournalConfig",
    ("source", "kafka"): "logwatch.sources.kafka_config:KafkaConfig",
    ("source", "prometheus"): "logwatch.sources.prometheus_config:PrometheusConfig",
    ("source", "host"): "logwatch.sources.host_config:HostConfig",
    ("sink", "kafka"): "logwatch.sinks.kafka_config:KafkaSinkConfig",
    ("sink", "alertmanager"): "logwatch.sinks.alertmanager_config:AlertmanagerConfig",
    ("sink", "webhook"): "logwatch.sinks.webhook_config:WebhookConfig",
    ("sink", "syslog"): "logwatch.sinks.syslog_config:SyslogConfig",
    ("sink", "journal"): "logwatch.sinks.journal_config:JournalSinkConfig",
    ("sink", "notify"): "logwatch.sinks.notify_config:NotifyConfig",
    ("detector", "new"): "logwatch.score.detector_configs:NewConfig",
    ("detector", "rare"): "logwatch.score.detector_configs:RareConfig",
    ("detector", "gap"): "logwatch.score.detector_configs:GapConfig",
    ("detector", "markov"): "logwatch.score.detector_configs:MarkovConfig",
    ("detector", "values"): "logwatch.score.detector_configs:ValuesConfig",
    ("detector", "lstm"): "logwatch.score.detector_configs:LstmConfig",
    ("detector", "rule"): "logwatch.score.detector_configs:RuleConfig",
}
"""(kind, name) → its config, where the module that declares it needs numpy or a library of its own: a configuration
is checked without them."""
