{{- define "logwatchd.config" -}}
{{- $kafka := .Values.kafka -}}
budget = {{ toRawJson .Values.budget }}
max_incidents = {{ toRawJson .Values.maxIncidents }}
learning = {{ toRawJson .Values.learning }}
redact = {{ toRawJson .Values.redact }}

[http]
probe_listen = "0.0.0.0:8712"
{{- if .Values.page.enabled }}
listen = "0.0.0.0:8711"
token_file = "/run/logwatchd/token"
allowed_hosts = {{ toRawJson .Values.page.allowedHosts }}
{{- else }}
listen = ""
{{- end }}

[[source]]
kind = "kafka"
bootstrap = {{ toRawJson $kafka.bootstrap }}
{{- if $kafka.pattern }}
pattern = {{ toRawJson $kafka.pattern }}
{{- else }}
topics = {{ toRawJson $kafka.topics }}
{{- end }}
group = {{ toRawJson $kafka.group }}
group_instance_id = {{ printf "%s.{host}" .Release.Namespace | toRawJson }}
client = { session_timeout_ms = {{ int $kafka.sessionTimeoutMs }} }
start = {{ toRawJson $kafka.start }}
state = "topic"
state_copies = {{ int $kafka.stateCopies }}
format = {{ toRawJson $kafka.format }}
key_from = {{ toRawJson $kafka.keyFrom }}
{{- with $kafka.name }}
name = {{ toRawJson . }}
{{- end }}
{{- with $kafka.entity }}
entity = {{ toRawJson . }}
{{- end }}
{{- if $kafka.tls.enabled }}
tls = true
{{- if $kafka.tls.caSecret }}
tls_ca = "/run/kafka/ca/ca.crt"
{{- end }}
{{- if $kafka.tls.certSecret }}
tls_cert = "/run/kafka/cert/tls.crt"
tls_key = "/run/kafka/cert/tls.key"
{{- end }}
{{- end }}
{{- if $kafka.sasl.mechanism }}
sasl = {{ toRawJson $kafka.sasl.mechanism }}
username = {{ toRawJson $kafka.sasl.username }}
password = { file = "/run/kafka/login/password" }
{{- end }}
{{ with .Values.sinks }}
{{ toToml (dict "sink" .) }}
{{- end }}
{{- with .Values.rules }}
{{ toToml (dict "rule" .) }}
{{- end }}
{{- with .Values.extraConfig }}
{{ . }}
{{- end }}
{{- end }}
