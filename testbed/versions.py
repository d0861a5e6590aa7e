"""Every version the test bed is made of.

The Go modules under ``testbed/go/`` pin the same versions with their checksums; a unit test
keeps both in agreement.
"""

KUBERNETES = "1.36.3"
ETCD = "3.6.8"
CONTAINERD = "2.2.0"
HELM = "3.19.5"
KRO = "0.9.4"
PAUSE = "1"
RCLONE = "1.76.0"
"""A server of S3's protocol over a directory."""
DEBIAN_SUITE = "bookworm"
DEBIAN_PYTHON = "3.11"
DEBIAN_GLIBC_MINOR = 36

KRO_MODULES = ("github.com/kubernetes-sigs/kro", "github.com/kro-run/kro")
"""Newest first: kro has moved, and its older releases are modules under the old path only."""

HELM_MODULE = "helm.sh/helm/v3"

MINIMUM_GO = (1, 26)
MINIMUM_KERNEL = (5, 4)
