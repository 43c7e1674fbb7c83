class Echo implements Protocol {}
Opened<Transport, Echo> opened;
TlsOptions tlsOptions;
