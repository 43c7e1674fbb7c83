class Echo implements Protocol {}
