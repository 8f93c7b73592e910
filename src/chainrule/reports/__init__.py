"""Reports of trainings and models: plain records of what came out, and the document made of them."""
