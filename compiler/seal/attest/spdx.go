package attest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/spdxlib"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// SPDX is the predicate type of a bill of materials in that format.
const SPDX = "https://spdx.dev/Document"

// noAssertion says that nobody looked: a release knows no licences.
const noAssertion = "NOASSERTION"

// NewSPDX lists what NewCycloneDX lists, as SPDX 2.3.
func NewSPDX(b Bundle, c Contents, r Run) (*Predicate, error) {
	root := spdxPackage("Bundle", b.name(), serial(b.Record), "APPLICATION", b.url(), b.Manifest)
	doc := &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: b.name() + " " + serial(b.Record),
		DocumentNamespace: "https://darkstart.dev/spdx/" + b.Record.Artifact + "/" + b.Manifest.Hex(),
		CreationInfo: &spdx.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "darkstart-" + r.Compiler}}, Created: b.Record.Issued,
		},
		Packages:      []*spdx.Package{root},
		Relationships: []*spdx.Relationship{relate("DOCUMENT", "DESCRIBES", "Bundle")},
	}
	for _, i := range c.items() {
		p := spdxPackage(i.spdxID(), i.name, i.version, i.purpose(), i.url, i.digest)
		p.PackageComment = i.text()
		doc.Packages = append(doc.Packages, p)
		switch {
		case i.sub:
			doc.Relationships = append(doc.Relationships, relate("Chart-"+key(i.parent), "CONTAINS", i.spdxID()))
		case i.chart:
			doc.Relationships = append(doc.Relationships, relate("Bundle", "GENERATED_FROM", i.spdxID()))
		default:
			doc.Relationships = append(doc.Relationships, relate("Bundle", "DEPENDS_ON", i.spdxID()))
		}
	}
	var out bytes.Buffer
	if err := spdxjson.Write(doc, &out, spdxjson.EscapeHTML(false)); err != nil {
		return nil, fmt.Errorf("make %s: %w", SPDX, err)
	}
	return fromLibrary(SPDX, out.Bytes())
}

func (i item) spdxID() string {
	if i.chart {
		return "Chart-" + key(i.id)
	}
	return "Image-" + key(i.id)
}

func (i item) purpose() string {
	if i.chart {
		return "SOURCE"
	}
	return "CONTAINER"
}

func spdxPackage(id, name, version, purpose, url string, d digest.Digest) *spdx.Package {
	p := &spdx.Package{
		PackageName: name, PackageSPDXIdentifier: common.ElementID(id), PackageVersion: version, PrimaryPackagePurpose: purpose,
		PackageDownloadLocation: noAssertion, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion, PackageCopyrightText: noAssertion,
		PackageExternalReferences: []*spdx.PackageExternalReference{{
			Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: url,
		}},
	}
	if d != "" {
		p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: d.Hex()}}
	}
	return p
}

func relate(a, how, b string) *spdx.Relationship {
	return &spdx.Relationship{RefA: common.MakeDocElementID("", a), Relationship: how, RefB: common.MakeDocElementID("", b)}
}

func (c *Claim) spdx(b []byte) error {
	if err := strict(b); err != nil {
		return err
	}
	doc, err := spdxjson.Read(bytes.NewReader(b))
	if err != nil {
		return err
	}
	if err := spdxlib.ValidateDocument(doc); err != nil {
		return err
	}
	switch {
	case doc.SPDXIdentifier != "DOCUMENT":
		return fmt.Errorf("SPDXID is %.40q", doc.SPDXIdentifier)
	case doc.DocumentNamespace == "" || doc.DocumentName == "":
		return errors.New("name and documentNamespace required")
	case doc.CreationInfo == nil || doc.CreationInfo.Created == "" || len(doc.CreationInfo.Creators) == 0:
		return errors.New("creationInfo required")
	}
	c.Format, c.Listed = strings.Replace(doc.SPDXVersion, "-", " ", 1), len(doc.Packages)
	return nil
}
