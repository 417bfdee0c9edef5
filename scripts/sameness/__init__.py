"""What same_numbers.py is made of: cases, their training by either checkout, the comparison."""
