"""Published accuracies as a small static site: an index, a page for each paper and one for each data set."""
