"""The rules of tools/tidy, one module a subject. Each rule takes a Tree and yields Problems."""
