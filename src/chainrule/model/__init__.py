"""A trained model: encoder, network, parameters and training card; its file; how it is made from a table."""
