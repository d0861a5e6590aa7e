"""The custom resources: specs, status, and the CRDs generated from them."""
