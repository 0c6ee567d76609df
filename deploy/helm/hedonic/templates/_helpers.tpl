{{- define "hedonic.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that select; the component is added where a kind of pods is meant. */}}
{{- define "hedonic.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hedonic.labels" -}}
{{ include "hedonic.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: hedonic
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "hedonic.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "hedonic.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The services that stay: their program, arguments, section of settings, port, and whether one replica is all. */}}
{{- define "hedonic.services" -}}
loader: {program: data-loader, args: [], section: LOADER, port: 8082, single: false}
applier: {program: model-application, args: [], section: APPLIER, port: 8083, single: false}
trainer: {program: model-prepare, args: [watch], section: PREPARE, port: 8084, single: true}
follower: {program: model-prepare, args: [follow], section: FOLLOW, port: 8085, single: true}
emulator: {program: producer-emulator, args: [], section: EMULATOR, port: 8081, single: true}
crawler: {program: crawler, args: [], section: CRAWLER, port: 8086, single: true}
{{- end -}}

{{/* (dict "root" $ "program" "data-loader") */}}
{{- define "hedonic.image" -}}
{{- $image := .root.Values.image -}}
{{- $prefix := ternary "" (printf "%s/" (trimSuffix "/" $image.registry)) (empty $image.registry) -}}
{{- $digest := get $image.digests .program -}}
{{- if $digest -}}
{{- printf "%shedonic-%s@%s" $prefix .program $digest -}}
{{- else -}}
{{- printf "%shedonic-%s:%s" $prefix .program (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What has no default and must be set, with what to set. */}}
{{- define "hedonic.check" -}}
{{- if not .Values.kafka.brokers -}}
{{- fail "kafka.brokers is empty; expected host:port of your Kafka, such as hedonic-kafka-bootstrap.kafka:9092" -}}
{{- end -}}
{{- if not .Values.database.secret -}}
{{- fail "database.secret is empty; expected the name of a secret with PostgreSQL's URL, such as hedonic-db-app of CloudNativePG" -}}
{{- end -}}
{{- $r := .Values.registry -}}
{{- $homes := list -}}
{{- if $r.bucket.url -}}{{- $homes = append $homes "registry.bucket.url" -}}{{- end -}}
{{- if $r.mlflow.trackingUri -}}{{- $homes = append $homes "registry.mlflow.trackingUri" -}}{{- end -}}
{{- if $r.volume.existingClaim -}}{{- $homes = append $homes "registry.volume.existingClaim" -}}{{- end -}}
{{- if ne (len $homes) 1 -}}
{{- fail (printf "expected one home of model versions, found %s; set one of registry.bucket.url, registry.mlflow.trackingUri, registry.volume.existingClaim" (ternary "none" (join " and " $homes) (empty $homes))) -}}
{{- end -}}
{{- if and (has .Values.database.sslMode (list "verify-ca" "verify-full")) (not .Values.database.caSecret) -}}
{{- fail (printf "database.sslMode is %s without database.caSecret; expected a secret with the certificate to verify by" .Values.database.sslMode) -}}
{{- end -}}
{{- end -}}

{{/* A single value as text: Helm has all numbers as floating ones, and would write 1e+06. */}}
{{- define "hedonic.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* Settings as HEDONIC__SECTION__KEY, one a line. (dict "prefix" "HEDONIC" "tree" map) */}}
{{- define "hedonic.settings" -}}
{{- range $key, $value := .tree -}}
{{- $name := printf "%s__%s" $.prefix (upper (replace "." "_" $key)) -}}
{{- if kindIs "map" $value -}}
{{- include "hedonic.settings" (dict "prefix" $name "tree" $value) -}}
{{- else }}
{{ $name }}: {{ include "hedonic.text" $value | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Names under which the services may be asked (http.allowed_hosts). */}}
{{- define "hedonic.hosts" -}}
{{- $hosts := list -}}
{{- range $name, $service := include "hedonic.services" . | fromYaml -}}
{{- if (get $.Values $name).enabled -}}
{{- $host := printf "%s-%s" (include "hedonic.fullname" $) $name -}}
{{- $space := printf "%s.%s" $host $.Release.Namespace -}}
{{- $hosts = concat $hosts (list $host $space (printf "%s.svc" $space) (printf "%s.svc.%s" $space $.Values.http.clusterDomain)) -}}
{{- end -}}
{{- end -}}
{{- concat $hosts .Values.http.allowedHosts | join "," -}}
{{- end -}}

{{/* Data of the ConfigMap that all pods take their environment from. */}}
{{- define "hedonic.environment" -}}
RUST_LOG: {{ .Values.log.level | quote }}
HEDONIC__KAFKA__BROKERS: {{ .Values.kafka.brokers | quote }}
HEDONIC__KAFKA__PARTITIONS: {{ int64 .Values.kafka.partitions | quote }}
HEDONIC__DATABASE__URL: file:/run/secrets/hedonic/database-url
HEDONIC__HTTP__HEALTH: {{ printf "%s:9100" .Values.http.bind | quote }}
HEDONIC__HTTP__OPEN: {{ .Values.http.open }}
HEDONIC__HTTP__DRAIN_S: {{ int64 .Values.http.drainSeconds | quote }}
HEDONIC__HTTP__ALLOWED_HOSTS: {{ include "hedonic.hosts" . | quote }}
{{- if .Values.http.tokenSecret }}
HEDONIC__HTTP__TOKEN: file:/run/secrets/hedonic/http-token
{{- end }}
{{- range $name, $service := include "hedonic.services" . | fromYaml }}
HEDONIC__{{ $service.section }}__HTTP: {{ printf "%s:%d" $.Values.http.bind (int $service.port) | quote }}
{{- end }}
{{- if .Values.loader.enabled }}
HEDONIC__DASHBOARD__LOADER: http://{{ include "hedonic.fullname" . }}-loader
{{- end }}
{{- if .Values.trainer.enabled }}
HEDONIC__DASHBOARD__TRAINING: http://{{ include "hedonic.fullname" . }}-trainer
{{- end }}
HEDONIC__REGISTRY__PATH: /var/lib/hedonic/models
{{- with .Values.registry.bucket.url }}
HEDONIC__REGISTRY__BUCKET: {{ . | quote }}
{{- end }}
{{- with .Values.registry.bucket.endpoint }}
AWS_ENDPOINT_URL: {{ . | quote }}
{{- end }}
{{- with .Values.registry.bucket.region }}
AWS_REGION: {{ . | quote }}
{{- end }}
{{- with .Values.registry.mlflow.trackingUri }}
HEDONIC__REGISTRY__MLFLOW_TRACKING_URI: {{ . | quote }}
{{- end }}
{{- with .Values.registry.publicKey }}
HEDONIC__REGISTRY__PUBLIC_KEY: {{ . | quote }}
{{- end }}
{{- with .Values.database.sslMode }}
PGSSLMODE: {{ . }}
{{- end }}
{{- if .Values.database.caSecret }}
PGSSLROOTCERT: /run/secrets/hedonic/database-ca.crt
{{- end }}
{{- if .Values.kafka.caSecret }}
HEDONIC__KAFKA__PROPERTIES__SSL_CA_LOCATION: /run/secrets/hedonic/kafka-ca.crt
{{- end }}
{{- range $property, $value := .Values.kafka.properties }}
HEDONIC__KAFKA__PROPERTIES__{{ upper (replace "." "_" $property) }}: {{ include "hedonic.text" $value | quote }}
{{- end }}
{{- range .Values.kafka.secretProperties }}
HEDONIC__KAFKA__PROPERTIES__{{ upper (replace "." "_" .property) }}: file:/run/secrets/hedonic/kafka-{{ .property }}
{{- end }}
HEDONIC__SCHEMA__SOURCE: {{ ternary "/etc/hedonic/schema.toml" .Values.schema.name (not (empty .Values.schema.file)) | quote }}
{{- if .Values.config }}
HEDONIC_CONFIG: /etc/hedonic/hedonic.toml
{{- end }}
{{- include "hedonic.settings" (dict "prefix" "HEDONIC" "tree" .Values.settings) }}
{{- end -}}

{{- define "hedonic.hasFiles" -}}
{{- if or .Values.config .Values.schema.file -}}yes{{- end -}}
{{- end -}}

{{/* Pods roll when their settings change. */}}
{{- define "hedonic.podMetadata" -}}
labels:
  {{- include "hedonic.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/settings: {{ printf "%s%s%s" (include "hedonic.environment" .root) .root.Values.config .root.Values.schema.file | sha256sum }}
  {{- with .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Pod security "restricted". */}}
{{- define "hedonic.podSecurity" -}}
serviceAccountName: {{ include "hedonic.serviceAccountName" . }}
# Nothing here asks Kubernetes for anything. Workload identities of clouds mount a token of their own.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with .Values.podSecurity.runAsUser }}
  runAsUser: {{ int64 . }}
  {{- end }}
  {{- with .Values.podSecurity.runAsGroup }}
  runAsGroup: {{ int64 . }}
  {{- end }}
  {{- with .Values.podSecurity.fsGroup }}
  fsGroup: {{ int64 . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "hedonic.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Environment and mounts of a container. (dict "root" $ "extraEnv" list) */}}
{{- define "hedonic.surroundings" -}}
envFrom:
  - configMapRef:
      name: {{ include "hedonic.fullname" .root }}-settings
  {{- range compact (list .root.Values.registry.bucket.credentialsSecret .root.Values.registry.mlflow.credentialsSecret) }}
  - secretRef:
      name: {{ . }}
  {{- end }}
{{- with .extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: secrets
    mountPath: /run/secrets/hedonic
    readOnly: true
  - name: models
    mountPath: /var/lib/hedonic/models
  - name: tmp
    mountPath: /tmp
  {{- if include "hedonic.hasFiles" .root }}
  - name: files
    mountPath: /etc/hedonic
    readOnly: true
  {{- end }}
{{- end -}}

{{- define "hedonic.volumes" -}}
volumes:
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        - secret:
            name: {{ .Values.database.secret }}
            items:
              - key: {{ .Values.database.key }}
                path: database-url
        {{- with .Values.database.caSecret }}
        - secret:
            name: {{ . }}
            items:
              - key: {{ $.Values.database.caKey }}
                path: database-ca.crt
        {{- end }}
        {{- with .Values.kafka.caSecret }}
        - secret:
            name: {{ . }}
            items:
              - key: {{ $.Values.kafka.caKey }}
                path: kafka-ca.crt
        {{- end }}
        {{- range .Values.kafka.secretProperties }}
        - secret:
            name: {{ .secret }}
            items:
              - key: {{ .key }}
                path: kafka-{{ .property }}
        {{- end }}
        {{- with .Values.http.tokenSecret }}
        - secret:
            name: {{ . }}
            items:
              - key: {{ $.Values.http.tokenKey }}
                path: http-token
        {{- end }}
  - name: models
    {{- if .Values.registry.volume.existingClaim }}
    persistentVolumeClaim:
      claimName: {{ .Values.registry.volume.existingClaim }}
    {{- else }}
    emptyDir:
      sizeLimit: {{ .Values.registry.cacheSize }}
    {{- end }}
  - name: tmp
    emptyDir:
      sizeLimit: 1Gi
  {{- if include "hedonic.hasFiles" . }}
  - name: files
    configMap:
      name: {{ include "hedonic.fullname" . }}-files
  {{- end }}
{{- end -}}

{{/* Where pods go. (dict "at" map) */}}
{{- define "hedonic.placement" -}}
{{- with .at.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .at.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .at.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .at.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* A pod that works and leaves. (dict "root" $ "component" "training" "command" list "deadline" 7200) */}}
{{- define "hedonic.jobPod" -}}
{{- $root := .root -}}
metadata:
  {{- include "hedonic.podMetadata" . | nindent 2 }}
spec:
  restartPolicy: Never
  {{- include "hedonic.podSecurity" $root | nindent 2 }}
  containers:
    - name: model-prepare
      image: {{ include "hedonic.image" (dict "root" $root "program" "model-prepare") }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: {{ toJson .command }}
      {{- include "hedonic.containerSecurity" $root | nindent 6 }}
      resources:
        {{- toYaml $root.Values.jobs.resources | nindent 8 }}
      {{- include "hedonic.surroundings" (dict "root" $root "extraEnv" (list)) | nindent 6 }}
  {{- include "hedonic.placement" (dict "at" $root.Values.jobs) | nindent 2 }}
  {{- include "hedonic.volumes" $root | nindent 2 }}
{{- end -}}
