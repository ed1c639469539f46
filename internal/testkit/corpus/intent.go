package corpus

import (
	"fmt"
	"strings"
)

// clustersPerRegion shapes a fleet: a region holds some clusters, all of them
// over its three zones, so that the scenarios grow with the fleet, but slower.
const clustersPerRegion = 25

func regionName(i int) string { return fmt.Sprintf("region-%02d", i) }

// regionOf deals clusters out to regions in turn.
func regionOf(i, clusters int) string { return regionName(i % regions(clusters)) }

// regions is at least two: a restore needs somewhere to go.
func regions(clusters int) int { return max(2, (clusters+clustersPerRegion-1)/clustersPerRegion) }

// intentOfClusters is what each cluster says beside its components.
const intentOfClusters = `
owner: "platform"
tier:  "regional"
_region: string
_zones: [for z in ["a", "b", "c"] {"\(_region)-\(z)"}]
placement: replicas: [for z in _zones {[z]}]
nodePools: "general": {zones: _zones, perZone: 3, machine: "m8.large"}
controlPlane: managed: "cloud-api"
tolerates: ["zone"]
`

const project = `package darkstart

name: "corpus"
assume: {zone: "down", region: "lost"}

// What upstream manifests are guilty of is shown, and does not keep a release
// from being signed.
guardrails: severity: {
	"SC001": "warning"
	"SC004": "warning"
	"PS001": "warning"
	"PS002": "warning"
	"DR008": "warning"
	"BS002": "warning"
	"OP001": "warning"
}
`

// intent writes the folders that describe the fleet and its recovery. Every
// component with Deployments is a service that lives in all clusters, and keeps
// its data in a store with a copy in a second region and a backup off-site.
func intent(files map[string][]byte, components []component, clusters int) {
	var services []string
	for _, c := range components {
		if len(c.deployments) > 0 {
			services = append(services, fmt.Sprintf("%q", c.name))
		}
	}
	var homes strings.Builder
	for i := range clusters {
		fmt.Fprintf(&homes, "\t%q: %q\n", ClusterName(i), regionOf(i, clusters))
	}
	names := make([]string, regions(clusters))
	for i := range names {
		names[i] = fmt.Sprintf("%q", regionName(i))
	}
	fill := strings.NewReplacer("@homes@", homes.String(), "@regions@", strings.Join(names, ", "), "@services@", strings.Join(services, ", "))
	files["darkstart.cue"] = []byte(project)
	files["fleet/fleet.cue"] = []byte(fill.Replace(fleetCUE))
	files["recovery/recovery.cue"] = []byte(fill.Replace(recoveryCUE))
}

const fleetCUE = `package fleet

_regions: [@regions@]
_services: [@services@]
_clusters: {
@homes@}

domains: {
	"cloud": {kind: "provider"}
	"off-site": {kind: "provider"}
	"backup-realm": {kind: "identity-realm"}
	"office": {kind: "site"}
	for r in _regions {
		(r): {kind: "region", parents: ["cloud"]}
		for z in ["a", "b", "c"] {
			"\(r)-\(z)": {kind: "zone", parents: [r]}
		}
	}
}

teams: "platform": {
	skills: ["kubernetes"]
	shift: 4
	respond: ["1m", "5m"]
	contact: "+00 555 0100"
	escalation: ["manager"]
	needs: "pager"
}
teams: "manager": {
	shift: 1
	respond: ["1m", "10m"]
	contact: "+00 555 0101"
	needs:   "pager"
}

tiers: {
	"tier-0": {
		rank: 0
		objectives: {
			"default": {rto: "4h", rpo: "1h"}
			"zone": {rto: "30m", rpo: "1m"}
			"region": {rto: "3h", rpo: "15m"}
		}
	}
	"regional": {
		rank: 1
		objectives: {
			"default": {rto: "8h", rpo: "1h"}
			"lost/region": accepted: {reason: "other regions serve", owner: "platform", review: "2027-06-30"}
		}
	}
}

externals: [string]: owner: "platform"
externals: {
	"cloud-api": {kind: "cloud-api", hosts: ["api.cloud.example"], placement: replicas: [for r in _regions {[r]}], tolerates: ["zone"]}
	"registry": {kind: "registry", hosts: ["mirror.fleet.example"], placement: replicas: [for r in _regions {[r]}], tolerates: ["zone"]}
	"git": {kind: "git", hosts: ["git.forge.example"], placement: replicas: [["off-site"], ["office"]]}
	"pager": {kind: "pager", hosts: ["pager.example"], placement: replicas: [["off-site"], ["office"]]}
}

services: {
	for s in _services {
		(s): {
			owner: "platform"
			tier:  "tier-0"
			instances: [for c, _ in _clusters {"\(c)/\(s)"}]
			quorum: 1
			requires: run: ["\(s)-data"]
			alerts: ["ServiceLost"]
			runbook: "https://runbooks.fleet.example/\(s)"
		}
	}
}

stores: {
	for s in _services {
		"\(s)-data": {
			owner: "platform"
			tier:  "tier-0"
			size:  "50Gi"
			copies: {
				"first": {in: [_regions[0]], mode: "sync", deletes: true}
				"second": {in: [_regions[1]], mode: "async", lag: "10s", deletes: true}
			}
			backups: "off-site": {
				in: ["off-site", "backup-realm"]
				every:     "30m"
				duration:  "5m"
				retention: "30d"
				immutable: true
				encrypted: true
				writers: ["backup-realm"]
				integrity: "a checksum beside each backup"
				restore: ["10m", "40m"]
			}
		}
	}
}
`

const recoveryCUE = `package recovery

_regions: [@regions@]
_services: [@services@]
_clusters: {
@homes@}

scenarios: {
	for s in _services {
		"\(s)-data-deleted": {fails: nodes: ["\(s)-data"], mode: "deleted"}
	}
}

procedures: [string]: {owner: "platform", review: "2027-05-01"}
procedures: {
	for s in _services {
		"promote-\(s)-data": {
			restores: ["\(s)-data"]
			into: [_regions[1]]
			modes: ["down", "lost", "partition"]
			detect: ["1m", "3m"]
			steps: "promote": {
				do: "Promote the copy of the second region"
				by: "platform"
				from: "\(s)-data.second"
				duration: ["1m", "5m"]
				restores: ["\(s)-data"]
				verify: {do: "a write succeeds", expect: "written"}
				rollback: "fence the copy"
			}
		}
		"restore-\(s)-data": {
			restores: ["\(s)-data"]
			into: [_regions[0]]
			modes: ["deleted", "lost", "down"]
			detect: ["1m", "5m"]
			steps: "restore": {
				do: "Restore the newest backup"
				by: "platform"
				from: "\(s)-data.off-site"
				duration: ["10m", "40m"]
				restores: ["\(s)-data"]
				verify: {do: "the checksum is that of the backup", expect: "equal"}
				rollback: "delete what was restored"
			}
		}
	}
	for c, r in _clusters {
		"recreate-\(c)": {
			restores: ["\(c)/@api"]
			into: [r]
			modes: ["lost"]
			detect: ["1m", "3m"]
			steps: "create": {
				do: "Create the control plane and the node pools of \(c)"
				by: "platform"
				duration: ["15m", "30m"]
				needs: ["cloud-api", "git"]
				verify: {run: "kubectl --context \(c) get --raw /readyz", expect: "ok"}
				rollback: "delete the half-made cluster and begin again"
			}
		}
	}
}
`
