"""The services that the product talks to: AWS, Kubernetes."""
