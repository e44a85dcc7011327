"""What the book is made with: claims, stored networks, processes, tables. No mathematics."""
