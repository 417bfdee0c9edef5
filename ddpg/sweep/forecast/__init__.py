"""What a sweep will take: hours from short trials, memory from the environments."""
