"""What tests need: cloned databases, broker namespaces, traffic held in mid-air, servers that leave nothing open."""
