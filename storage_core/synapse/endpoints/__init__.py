"""One module per family of REST calls; each method says which contract rule it relies on."""
