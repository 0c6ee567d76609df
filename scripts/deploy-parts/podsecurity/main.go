// Judges pods by the code with which an API server admits them: the pod security standards of
// k8s.io/pod-security-admission. Standard input: a JSON list of pods; standard output: a JSON list of what
// each would be refused for, empty where it is admitted.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	if err := judge(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge() error {
	var pods []corev1.Pod
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&pods); err != nil {
		return fmt.Errorf("expected a list of pods as JSON: %w", err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	refused := make([]string, len(pods))
	for at, pod := range pods {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
		if !result.Allowed {
			refused[at] = result.ForbiddenDetail()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(refused)
}
