"""How the slim loss network was made: pruned from VGG-19 and taught what it says."""
