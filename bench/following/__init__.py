"""What bench/follow needs beside what all benches share."""
