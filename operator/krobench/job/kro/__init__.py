"""What changes kro's Deployment, restarts kro, and waits until it leads again."""
