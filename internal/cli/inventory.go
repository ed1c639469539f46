package cli

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// inventoryFile lists the objects of a cluster's bundle. The fleet artifact
// has none.
const inventoryFile = "meta/inventory.json"

// inventory is what is read of inventoryFile.
type inventory struct {
	Version string         `json:"version"`
	Cluster string         `json:"cluster"`
	Images  []string       `json:"images"`
	Objects []inventoryRow `json:"objects"`
}

type inventoryRow struct {
	object.Key
	APIVersion string `json:"apiVersion"`
	Part       string `json:"part"`
	Wave       int    `json:"wave"`
	File       string `json:"file"`
	// Digest of the file.
	Digest digest.Digest `json:"digest"`
}

// inventoryOf returns the inventory of a bundle, nil when it has none.
func inventoryOf(b *seal.Bundle) (*inventory, error) {
	files, err := b.Artifact.Files()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(files, func(f ir.File) bool { return f.Path == inventoryFile })
	if i < 0 {
		return nil, nil
	}
	var inv inventory
	if err := json.Unmarshal(files[i].Data, &inv); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", inventoryFile, b.Record.Artifact, err)
	}
	if want := "darkstart.dev/inventory/v1"; inv.Version != want {
		return nil, fmt.Errorf("%s of %s has version %q (want %s)", inventoryFile, b.Record.Artifact, inv.Version, want)
	}
	return &inv, nil
}
