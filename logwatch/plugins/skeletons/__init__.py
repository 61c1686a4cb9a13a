"""What `logwatchd plugins new` begins with: one component of each kind. Its names are put in; the code is as it is."""
