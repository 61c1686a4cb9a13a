"""What everything that talks to Kafka shares: connection settings, errors as sentences, positions, decoding.

The client library is imported only when something is opened (0.3 s).
"""
