// Volumes from a folder of the node, for our own node image: what kind's own image has from the provisioner whose
// name and storage class these are. One runs on each node and sees to the volumes there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	name   = "rancher.io/local-path"
	root   = "/var/local-path-provisioner"
	onNode = "kubernetes.io/hostname"
)

// provisioner makes folders on the node that it runs on.
type provisioner struct{ node string }

// Provision makes the folder of a volume that a pod of this node waits for. Whoever the pod runs as may write there.
func (p provisioner) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	if options.SelectedNodeName != p.node {
		return nil, controller.ProvisioningFinished, &controller.IgnoredError{Reason: "it is another node's"}
	}
	claim := options.PVC
	path := filepath.Join(root, fmt.Sprintf("%s_%s_%s", options.PVName, claim.Namespace, claim.Name))
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil { // MkdirAll heeds the umask
		return nil, controller.ProvisioningFinished, err
	}
	kind := core.HostPathDirectoryOrCreate
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeSource: core.PersistentVolumeSource{
				HostPath: &core.HostPathVolumeSource{Path: path, Type: &kind},
			},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{{
					Key: onNode, Operator: core.NodeSelectorOpIn, Values: []string{p.node},
				}}}},
			}},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete removes the folder of a volume that is on this node. One whose node is gone is nobody's: its PersistentVolume
// stays until somebody removes it.
func (p provisioner) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if !p.has(volume) {
		return &controller.IgnoredError{Reason: "it is another node's"}
	}
	path := filepath.Clean(volume.Spec.HostPath.Path)
	if filepath.Dir(path) != root {
		return fmt.Errorf("%s is no volume's folder: it is not in %s", path, root)
	}
	return os.RemoveAll(path)
}

func (p provisioner) has(volume *core.PersistentVolume) bool {
	affinity := volume.Spec.NodeAffinity
	if affinity == nil || affinity.Required == nil || volume.Spec.HostPath == nil {
		return false
	}
	for _, term := range affinity.Required.NodeSelectorTerms {
		for _, wanted := range term.MatchExpressions {
			if wanted.Key == onNode && len(wanted.Values) == 1 && wanted.Values[0] == p.node {
				return true
			}
		}
	}
	return false
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	config, err := rest.InClusterConfig()
	if err != nil {
		klog.Fatalf("this runs in a pod alone: %v", err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	// Each has volumes of its own, so none has to lead.
	controller.NewProvisionController(
		ctx, client, name, provisioner{os.Getenv("NODE_NAME")}, controller.LeaderElection(false),
	).Run(ctx)
}
