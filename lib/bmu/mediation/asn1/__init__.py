"""Records in ASN.1 BER: walked by tag, named by maps that are data, written as fields of text."""
