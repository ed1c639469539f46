// Package cost reads what the kernel accounts to processes.
package cost
