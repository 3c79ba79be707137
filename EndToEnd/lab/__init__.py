"""A laboratory of machines made out of Linux namespaces; standard library only, so that the demo can use it too."""
