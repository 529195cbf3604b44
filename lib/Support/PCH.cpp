// The shared precompiled header lives in this otherwise empty library.
