{{- define "krobench.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Base of all names: "krobench" if the release is called krobench. */}}
{{- define "krobench.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "krobench.loadName" -}}
{{- printf "%s-load" (include "krobench.fullname" .) -}}
{{- end -}}

{{- define "krobench.operatorRoleName" -}}
{{- printf "%s-operator" (include "krobench.fullname" .) -}}
{{- end -}}

{{/* helm --set turns a tag that has only digits into a number. */}}
{{- define "krobench.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else if kindIs "string" .Values.image.tag -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- else -}}
{{- printf "%s:%d" .Values.image.repository (int64 .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "krobench.labels" -}}
app.kubernetes.io/name: {{ include "krobench.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- range $name, $value := .Values.commonLabels }}
{{- if not (hasPrefix "app.kubernetes.io/" $name) }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Labels that select the operator's pod; the selector of a Deployment is immutable. */}}
{{- define "krobench.selectorLabels" -}}
app.kubernetes.io/name: {{ include "krobench.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* How the operator and its Jobs log: a list of environment variables. */}}
{{- define "krobench.logEnv" -}}
{{- if eq .Values.logs.format "json" -}}
- name: KROBENCH_LOG_FORMAT
  value: json
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* What the operator sets in the pods of its Jobs: operator/krobench/controller/loadpod.py. */}}
{{- define "krobench.loadPod" -}}
{{- $load := .Values.load -}}
{{- dict
  "labels" (merge (dict) $load.podLabels .Values.commonLabels)
  "annotations" $load.podAnnotations
  "resources" $load.resources
  "nodeSelector" $load.nodeSelector
  "tolerations" $load.tolerations
  "affinity" $load.affinity
  "topologySpreadConstraints" $load.topologySpreadConstraints
  "priorityClassName" $load.priorityClassName
  "env" (concat (include "krobench.logEnv" . | fromYamlArray) $load.env | default list)
  "securityContext" .Values.podSecurityContext
  | toJson -}}
{{- end -}}

{{- define "krobench.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end -}}

{{/* API groups of the kinds that runs define. */}}
{{- define "krobench.ownGroups" -}}
{{- prepend .Values.load.extraGroups "load.bench.kro.run" | toJson -}}
{{- end -}}

{{/* Groups and kinds of objects that runs may create before their instances, as a list in CEL. */}}
{{- define "krobench.prerequisiteKinds" -}}
{{- $kinds := list "'/ConfigMap'" "'/Namespace'" -}}
{{- range .Values.load.prerequisiteKinds -}}
{{- $kinds = append $kinds (printf "%s/%s" .apiGroup .kind | squote) -}}
{{- end -}}
[{{ join ", " $kinds }}]
{{- end -}}

{{/*
Whether to install policies: a cluster answers which kinds it serves. Without a cluster, as in
`helm template`, the version of Kubernetes decides.
*/}}
{{- define "krobench.policies" -}}
{{- if .Values.policies.enabled -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}
{{- $asked := .Capabilities.APIVersions.Has "v1/Pod" -}}
{{- if or $served (and (not $asked) (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version)) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{/* URLs that specs may name, as a list in CEL. */}}
{{- define "krobench.allowedUrls" -}}
{{- $urls := list -}}
{{- range . -}}
{{- $urls = append $urls (trimSuffix "/" . | squote) -}}
{{- end -}}
[{{ join ", " $urls }}]
{{- end -}}

{{/* Whether the role that creates runs is part of Kubernetes' own: by default if a policy checks the creators. */}}
{{- define "krobench.aggregateEdit" -}}
{{- if eq (toString .Values.userRoles.aggregateEdit) "auto" -}}
{{- include "krobench.policies" . -}}
{{- else -}}
{{- .Values.userRoles.aggregateEdit -}}
{{- end -}}
{{- end -}}

{{/* What the administrator lets load Jobs reach, and demands of them. */}}
{{- define "krobench.access" -}}
{{- dict
  "urls" .Values.collect.allowedUrls
  "webhookUrls" .Values.webhooks.allowedUrls
  "namespaceLabels" .Values.load.namespaceLabels
  "namespaceAnnotations" .Values.load.namespaceAnnotations
  "kubelet" .Values.load.kubelet
  | toJson -}}
{{- end -}}

{{/* Where load Jobs store results: operator/krobench/api/storage.py. */}}
{{- define "krobench.storage" -}}
{{- $storage := .Values.results.storage -}}
{{- $found := dict -}}
{{- if eq $storage.type "S3" -}}
{{- $s3 := $storage.s3 -}}
{{- $_ := set $found "s3" (dict "bucket" (required "results.storage.s3.bucket is required" $s3.bucket) "prefix" $s3.prefix "endpoint" $s3.endpoint "region" $s3.region "caBundle" $s3.caBundle) -}}
{{- range $field := list "secretName" "readerSecretName" -}}
{{- with index $s3 $field -}}{{- $_ := set $found $field . -}}{{- end -}}
{{- end -}}
{{- else if eq $storage.type "PersistentVolumeClaim" -}}
{{- $_ := set $found "claimName" (required "results.storage.persistentVolumeClaim.claimName is required" $storage.persistentVolumeClaim.claimName) -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* Limits of each run, for the operator: numbers in full, as Helm would write large ones as 1e+08. */}}
{{- define "krobench.limits" -}}
{{- with .Values.limits -}}
{"duration":{{ .duration | toJson }},"instances":{{ .instances | int64 }},"rate":{{ .rate | int64 }},"resultBytes":{{ .resultBytes | int64 }},"shards":{{ .shards | int64 }}}
{{- end -}}
{{- end -}}

{{/* Where the Lease is that lets one operator act: one of all installations that watch everything. */}}
{{- define "krobench.leaseNamespace" -}}
{{- ternary .Release.Namespace .Values.leaderElection.namespace (not (empty .Values.watchNamespaces)) -}}
{{- end -}}

{{/* Rights of the operator in the namespaces of runs. */}}
{{- define "krobench.operatorRules" -}}
- apiGroups: [bench.kro.run]
  resources: [krobenchmarks, kroscaletests]
  verbs: [get, list, watch, patch]
# Schedules create runs, and delete old ones.
- apiGroups: [bench.kro.run]
  resources: [krobenchmarks, kroscaletests]
  verbs: [create, delete]
- apiGroups: [bench.kro.run]
  resources: [krobenchmarkschedules]
  verbs: [list, watch]
- apiGroups: [bench.kro.run]
  resources: [krobenchmarks/status, kroscaletests/status, krobenchmarkschedules/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
# Results are in the namespaces of the KroBenchmarks and KroScaleTests.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
{{- end -}}

{{/* Restricts the binding of a policy on runs to the namespaces that are watched. */}}
{{- define "krobench.watchedResources" -}}
{{- with .Values.watchNamespaces -}}
matchResources:
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
          {{- toYaml . | nindent 10 }}
{{- end }}
{{- end -}}
