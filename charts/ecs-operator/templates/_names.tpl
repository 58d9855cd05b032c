{{/* What every object is called after: the release, and the chart where the release does not name it. */}}
{{- define "ecs-operator.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "ecs-operator" $name) -}}
{{- $name = printf "%s-ecs-operator" $name -}}
{{- end -}}
{{- $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "ecs-operator.serviceAccountName" -}}
{{- $own := ternary (include "ecs-operator.name" .) "default" .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default $own -}}
{{- end -}}

{{/* Labels by which the Deployment and the Service find the Pods. They can never change. */}}
{{- define "ecs-operator.selectorLabels" -}}
app.kubernetes.io/name: ecs-operator
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of every object. The user's cannot replace the chart's own. */}}
{{- define "ecs-operator.labels" -}}
{{- $own := include "ecs-operator.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_")) -}}
{{- merge $own .Values.commonLabels | toYaml -}}
{{- end -}}
