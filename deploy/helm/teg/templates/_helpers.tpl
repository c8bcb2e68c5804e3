{{/* Name of all objects: the release's, or its name with the chart's. */}}
{{- define "teg.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "teg.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "teg.labels" -}}
{{ include "teg.selectorLabels" . }}
app.kubernetes.io/component: scheduler
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "teg.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "teg.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "teg.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The SchedulerConfiguration: `config`, below what the chart itself has to set. */}}
{{- define "teg.configuration" -}}
{{- $own := dict
      "apiVersion" "teg.dev/v1alpha1"
      "kind" "SchedulerConfiguration"
      "schedulerNames" .Values.schedulerNames
      "leaderElection" (merge
        (dict "resourceName" (include "teg.leaseName" .) "resourceNamespace" .Release.Namespace)
        .Values.leaderElection)
      "server" (dict "bindAddress" "0.0.0.0" "port" (int .Values.server.port)) -}}
{{- if .Values.server.tlsSecretName -}}
{{- $_ := set $own.server "tls" (dict "certFile" "/etc/teg-tls/tls.crt" "keyFile" "/etc/teg-tls/tls.key") -}}
{{- end -}}
{{- if .Values.ledger.enabled -}}
{{- $_ := set $own "economy" (dict "ledger" (dict "path" "/var/lib/teg/ledger.sqlite")) -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $own) -}}
{{- end -}}

{{/* The names of `schedulerNames`, with commas between them. */}}
{{- define "teg.schedulerNames" -}}
{{- $names := list -}}
{{- range .Values.schedulerNames -}}
{{- $names = append $names (ternary (get (ternary . dict (kindIs "map" .)) "name") . (kindIs "map" .)) -}}
{{- end -}}
{{- join ", " $names -}}
{{- end -}}

{{- define "teg.ledgerClaim" -}}
{{ .Values.ledger.existingClaim | default (printf "%s-ledger" (include "teg.fullname" .)) }}
{{- end -}}

{{- define "teg.leaseName" -}}
{{ include "teg.fullname" . }}-scheduler
{{- end -}}

{{/* Subjects of a binding, with the API group that their kind has. */}}
{{- define "teg.subjects" -}}
{{- range . }}
- kind: {{ .kind }}
  name: {{ .name | quote }}
  {{- if eq .kind "ServiceAccount" }}
  namespace: {{ .namespace }}
  {{- else }}
  apiGroup: rbac.authorization.k8s.io
  {{- end }}
{{- end }}
{{- end -}}
