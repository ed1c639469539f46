package attest

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// CycloneDX is the predicate type of a bill of materials in that format.
const CycloneDX = "https://cyclonedx.org/bom"

// cycloneDXVersion is the newest that common readers take.
const cycloneDXVersion = cdx.SpecVersion1_6

// NewCycloneDX lists what a bundle makes a cluster pull.
func NewCycloneDX(b Bundle, c Contents, r Run) (*Predicate, error) {
	root := cdx.Component{
		BOMRef: "bundle", Type: cdx.ComponentTypeApplication, Name: b.name(), Version: serial(b.Record),
		PackageURL: b.url(), Hashes: hashes(b.Manifest),
	}
	components, needed := []cdx.Component{}, []string{}
	parts := map[string][]string{}
	for _, i := range c.items() {
		components = append(components, i.cycloneDX())
		if i.sub {
			parts[i.parent] = append(parts[i.parent], i.id)
		} else {
			needed = append(needed, i.id)
		}
	}
	dependencies := []cdx.Dependency{{Ref: root.BOMRef, Dependencies: &needed}}
	for _, ref := range needed {
		if subs := parts[ref]; len(subs) > 0 {
			dependencies = append(dependencies, cdx.Dependency{Ref: ref, Dependencies: &subs})
		}
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = uuid(CycloneDX, b.Manifest)
	bom.Metadata = &cdx.Metadata{
		Timestamp: b.Record.Issued, Component: &root,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "darkstart", Version: r.Compiler}}},
	}
	bom.Components, bom.Dependencies = &components, &dependencies
	// What an operator pulls when it runs stands in no object.
	bom.Compositions = &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &[]cdx.BOMReference{cdx.BOMReference(root.BOMRef)}}}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetEscapeHTML(false).EncodeVersion(bom, cycloneDXVersion); err != nil {
		return nil, fmt.Errorf("make %s: %w", CycloneDX, err)
	}
	return fromLibrary(CycloneDX, out.Bytes())
}

func (i item) cycloneDX() cdx.Component {
	c := cdx.Component{
		BOMRef: i.id, Type: cdx.ComponentTypeContainer, Name: i.name, Version: i.version, PackageURL: i.url, Hashes: hashes(i.digest),
	}
	if i.chart {
		c.Type = cdx.ComponentTypeApplication
	}
	if len(i.properties) > 0 {
		list := make([]cdx.Property, len(i.properties))
		for n, p := range i.properties {
			list[n] = cdx.Property{Name: p.name, Value: p.value}
		}
		c.Properties = &list
	}
	return c
}

func hashes(d digest.Digest) *[]cdx.Hash {
	if d == "" {
		return nil
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: d.Hex()}}
}

// uuid is a version 8 UUID (RFC 9562) of what a document is about: the same
// bundle has the same one.
func uuid(format string, manifest digest.Digest) string {
	sum := sha256.Sum256([]byte(format + "\n" + string(manifest)))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (c *Claim) cycloneDX(b []byte) error {
	if err := strict(b); err != nil {
		return err
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(b), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return err
	}
	if bom.BOMFormat != cdx.BOMFormat {
		return fmt.Errorf("bomFormat is %.40q (want %q)", bom.BOMFormat, cdx.BOMFormat)
	}
	c.Format = "CycloneDX " + bom.SpecVersion.String()
	if bom.Components != nil {
		c.Listed = len(*bom.Components)
	}
	return nil
}
