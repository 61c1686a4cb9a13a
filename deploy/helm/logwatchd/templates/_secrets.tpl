{{/* Secrets are files that root and logwatchd's group can read; nothing of them stands in the ConfigMap or in values. */}}
{{- define "logwatchd.mounts" -}}
{{- $kafka := .Values.kafka -}}
{{- if and $kafka.tls.enabled $kafka.tls.caSecret }}
- {name: kafka-ca, mountPath: /run/kafka/ca, readOnly: true}
{{- end }}
{{- if and $kafka.tls.enabled $kafka.tls.certSecret }}
- {name: kafka-cert, mountPath: /run/kafka/cert, readOnly: true}
{{- end }}
{{- if $kafka.sasl.mechanism }}
- {name: kafka-login, mountPath: /run/kafka/login, readOnly: true}
{{- end }}
{{- if .Values.page.enabled }}
- {name: token, mountPath: /run/logwatchd, readOnly: true}
{{- end }}
{{- range .Values.secretMounts }}
- {name: {{ printf "secret-%s" (replace "." "-" .) | trunc 63 }}, mountPath: /run/secrets/{{ . }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "logwatchd.volumes" -}}
{{- $kafka := .Values.kafka -}}
{{- if and $kafka.tls.enabled $kafka.tls.caSecret }}
- name: kafka-ca
  secret: {secretName: {{ $kafka.tls.caSecret }}, defaultMode: 0440}
{{- end }}
{{- if and $kafka.tls.enabled $kafka.tls.certSecret }}
- name: kafka-cert
  secret: {secretName: {{ $kafka.tls.certSecret }}, defaultMode: 0440}
{{- end }}
{{- if $kafka.sasl.mechanism }}
- name: kafka-login
  secret:
    secretName: {{ $kafka.sasl.passwordSecret.name }}
    defaultMode: 0440
    items: [{key: {{ $kafka.sasl.passwordSecret.key }}, path: password}]
{{- end }}
{{- if .Values.page.enabled }}
- name: token
  secret:
    secretName: {{ .Values.page.tokenSecret.name }}
    defaultMode: 0440
    items: [{key: {{ .Values.page.tokenSecret.key }}, path: token}]
{{- end }}
{{- range .Values.secretMounts }}
- name: {{ printf "secret-%s" (replace "." "-" .) | trunc 63 }}
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}
