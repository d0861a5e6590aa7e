"""kro itself: changing its Deployment, restarting it, waiting until it leads."""
