"""How the server is deployed: behind a proxy, as a service, in a container."""
